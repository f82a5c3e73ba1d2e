"""The finitely many classes of patients that rules can tell apart; proofs, looks ahead and cohorts share them."""
