;;; The semantics of the rules for CLIPS. Knowledge is asserted once; the facts about a patient come and go.
;;;
;;; Rules about a patient begin with the patient, so that all their matches go when the patient goes.
;;; Salience is the stratum: a rule sees everything that the rules above it can find. Within a stratum order is free.
;;;   80..70  what the record leaves possible
;;;   60..40  tests, groups, conditions, and what they establish of a derived fact
;;;   -10..-30  a derived fact whose ingredients are settled gets its values, and opens the strata above anew
;;;   -100..-160  verdicts, once nothing is left to derive

;;; ---- knowledge ------------------------------------------------------------------------------------------------------

(deftemplate fact-value (slot fact) (slot value))
(deftemplate question (slot id) (slot fact) (slot kind))                 ; kind: word, number, set
(deftemplate listed (slot question) (slot how) (slot value))             ; how: any, none, all
(deftemplate asks (slot question) (slot how))
(deftemplate limit (slot question) (slot how) (slot value))              ; how: at_least, at_most, above, below
(deftemplate group (slot id))
(deftemplate in-group (slot group) (slot question))
(deftemplate in-condition (slot condition) (slot group))
(deftemplate condition (slot id))
(deftemplate derived (slot fact) (slot otherwise) (slot only))       ; otherwise: exclude, unknown; only: condition or nil
(deftemplate definition (slot fact) (slot value) (slot condition))
(deftemplate option (slot id))
(deftemplate indication (slot id) (slot option) (slot base) (slot condition))
(deftemplate in-setting (slot indication) (slot setting))
(deftemplate criterion (slot id) (slot kind) (slot condition))
(deftemplate bears (slot criterion) (slot indication))
(deftemplate place (slot verdict) (slot order))

;;; found once from the knowledge
(deftemplate weighs (slot indication) (slot criterion))
(deftemplate accepts (slot question) (slot value))
(deftemplate reads (slot fact) (slot other))

;;; ---- the patient ----------------------------------------------------------------------------------------------------

(deftemplate patient (slot id))
(deftemplate told (slot fact) (slot value))
(deftemplate may (slot fact) (slot value))
(deftemplate span (slot fact) (slot low) (slot high))
(deftemplate never (slot fact))
(deftemplate has-member (slot fact) (slot value) (slot how))             ; how: sure, unsure
(deftemplate open-list (slot fact))

(deftemplate settled (slot fact))
(deftemplate ready (slot fact))
(deftemplate stands (slot fact))
(deftemplate shut (slot fact) (slot value))
(deftemplate disagreement (slot fact))
(deftemplate broken (slot fact))

(deftemplate can (slot question) (slot how))                             ; how: pass, fail
(deftemplate touched (slot question) (slot how) (slot by))               ; by: sure, unsure, missed
(deftemplate answer (slot question) (slot truth))                    ; truth: yes, no; neither is unknown
(deftemplate group-truth (slot group) (slot truth))
(deftemplate condition-truth (slot condition) (slot truth))

(deftemplate spot (slot indication) (slot how))                      ; how: in, out
(deftemplate relevant (slot option))
(deftemplate applies (slot indication) (slot truth))                 ; truth: yes, no, open
(deftemplate finding (slot indication) (slot what))                  ; what: blocked, lowered, waits
(deftemplate outlook (slot indication) (slot verdict))
(deftemplate hope (slot option) (slot verdict) (slot order))
(deftemplate verdict (slot option) (slot verdict) (slot would-be))

(deffacts order
  (place (verdict preferred) (order 1))
  (place (verdict recommended) (order 2))
  (place (verdict alternative) (order 3))
  (place (verdict investigational) (order 4))
  (place (verdict not_recommended) (order 5))
  (place (verdict ineligible) (order 6)))

(deffunction within (?how ?limit ?low ?high)
  "Whether every number of a span keeps a limit."
  (switch ?how
    (case at_least then (>= ?low ?limit))
    (case at_most then (<= ?high ?limit))
    (case above then (> ?low ?limit))
    (case below then (< ?high ?limit))))

(deffunction beyond (?how ?limit ?low ?high)
  "Whether no number of a span keeps a limit."
  (switch ?how
    (case at_least then (< ?high ?limit))
    (case at_most then (> ?low ?limit))
    (case above then (<= ?high ?limit))
    (case below then (>= ?low ?limit))))

;;; ---- once: what the knowledge implies -------------------------------------------------------------------------------

(defrule a-value-of-those-asked-for
  (declare (salience 100))
  (question (id ?t) (fact ?f) (kind word))
  (listed (question ?t) (how any) (value ?v))
  (not (listed (question ?t) (how none) (value ?v)))
  =>
  (assert (accepts (question ?t) (value ?v))))

(defrule a-value-not-ruled-out
  (declare (salience 100))
  (question (id ?t) (fact ?f) (kind word))
  (not (asks (question ?t) (how any)))
  (fact-value (fact ?f) (value ?v))
  (not (listed (question ?t) (how none) (value ?v)))
  =>
  (assert (accepts (question ?t) (value ?v))))

(defrule a-definition-reads
  (declare (salience 100))
  (or (definition (fact ?f) (condition ?c))
      (derived (fact ?f) (only ?c)))
  (in-condition (condition ?c) (group ?g))
  (in-group (group ?g) (question ?t))
  (question (id ?t) (fact ?other))
  (derived (fact ?other))
  =>
  (assert (reads (fact ?f) (other ?other))))

;;; ---- the record ------------------------------------------------------------------------------------------------------

(defrule a-value-that-the-record-leaves
  (declare (salience 80))
  (told (fact ?f) (value ?v))
  (not (derived (fact ?f)))
  =>
  (assert (may (fact ?f) (value ?v))))

(defrule a-value-of-which-the-record-says-nothing
  (declare (salience 80))
  (patient)
  (fact-value (fact ?f) (value ?v))
  (not (derived (fact ?f)))
  (not (told (fact ?f)))
  =>
  (assert (may (fact ?f) (value ?v))))

(defrule a-recorded-fact-is-settled
  (declare (salience 70))
  (may (fact ?f))
  (not (derived (fact ?f)))
  =>
  (assert (settled (fact ?f))))

;;; ---- tests ----------------------------------------------------------------------------------------------------------

(defrule a-value-passes
  (declare (salience 60))
  (patient)
  (settled (fact ?f))
  (may (fact ?f) (value ?v))
  (question (id ?t) (fact ?f) (kind word))
  (accepts (question ?t) (value ?v))
  =>
  (assert (can (question ?t) (how pass))))

(defrule a-value-fails
  (declare (salience 60))
  (patient)
  (settled (fact ?f))
  (may (fact ?f) (value ?v))
  (question (id ?t) (fact ?f) (kind word))
  (not (accepts (question ?t) (value ?v)))
  =>
  (assert (can (question ?t) (how fail))))

(defrule every-value-passes
  (declare (salience 55))
  (patient)
  (can (question ?t) (how pass))
  (not (can (question ?t) (how fail)))
  =>
  (assert (answer (question ?t) (truth yes))))

(defrule no-value-passes
  (declare (salience 55))
  (patient)
  (can (question ?t) (how fail))
  (not (can (question ?t) (how pass)))
  =>
  (assert (answer (question ?t) (truth no))))

(defrule a-number-keeps-its-limits
  (declare (salience 55))
  (patient)
  (span (fact ?f) (low ?low) (high ?high))
  (question (id ?t) (fact ?f) (kind number))
  (not (limit (question ?t) (how ?how) (value ?x&:(not (within ?how ?x ?low ?high)))))
  =>
  (assert (answer (question ?t) (truth yes))))

(defrule a-number-is-beyond-a-limit
  (declare (salience 55))
  (patient)
  (span (fact ?f) (low ?low) (high ?high))
  (question (id ?t) (fact ?f) (kind number))
  (limit (question ?t) (how ?how) (value ?x&:(beyond ?how ?x ?low ?high)))
  =>
  (assert (answer (question ?t) (truth no))))

(defrule a-number-does-not-exist
  (declare (salience 55))
  (patient)
  (never (fact ?f))
  (question (id ?t) (fact ?f) (kind number))
  =>
  (assert (answer (question ?t) (truth no))))

(defrule a-member-is-listed
  (declare (salience 60))
  (patient)
  (has-member (fact ?f) (value ?v) (how ?by))
  (question (id ?t) (fact ?f) (kind set))
  (listed (question ?t) (how ?how) (value ?v))
  =>
  (assert (touched (question ?t) (how ?how) (by ?by))))

(defrule a-listed-member-is-open
  (declare (salience 60))
  (patient)
  (open-list (fact ?f))
  (question (id ?t) (fact ?f) (kind set))
  (asks (question ?t) (how ?how))
  =>
  (assert (touched (question ?t) (how ?how) (by unsure))))

(defrule a-listed-member-is-not-sure
  (declare (salience 60))
  (patient)
  (question (id ?t) (fact ?f) (kind set))
  (listed (question ?t) (how all) (value ?v))
  (not (has-member (fact ?f) (value ?v) (how sure)))
  =>
  (assert (touched (question ?t) (how all) (by missed))))

(defrule a-list-fails
  (declare (salience 55))
  (patient)
  (question (id ?t) (fact ?f) (kind set))
  (or (and (asks (question ?t) (how any)) (not (touched (question ?t) (how any))))
      (touched (question ?t) (how none) (by sure))
      (and (listed (question ?t) (how all) (value ?v))
           (not (has-member (fact ?f) (value ?v)))
           (not (open-list (fact ?f)))))
  =>
  (assert (answer (question ?t) (truth no))))

(defrule a-list-passes
  (declare (salience 55))
  (patient)
  (question (id ?t) (kind set))
  (or (touched (question ?t) (how any) (by sure))
      (not (asks (question ?t) (how any))))
  (not (touched (question ?t) (how none)))
  (not (touched (question ?t) (how all) (by missed)))
  =>
  (assert (answer (question ?t) (truth yes))))

;;; ---- conditions -----------------------------------------------------------------------------------------------------

(defrule a-group-fails
  (declare (salience 50))
  (patient)
  (answer (question ?t) (truth no))
  (in-group (group ?g) (question ?t))
  =>
  (assert (group-truth (group ?g) (truth no))))

(defrule a-group-holds
  (declare (salience 50))
  (patient)
  (answer (question ?t) (truth yes))
  (in-group (group ?g) (question ?t))
  (not (and (in-group (group ?g) (question ?other))
            (not (answer (question ?other) (truth yes)))))
  =>
  (assert (group-truth (group ?g) (truth yes))))

(defrule a-group-of-nothing-holds
  (declare (salience 50))
  (patient)
  (group (id ?g))
  (not (in-group (group ?g)))
  =>
  (assert (group-truth (group ?g) (truth yes))))

(defrule a-condition-holds
  (declare (salience 40))
  (patient)
  (group-truth (group ?g) (truth yes))
  (in-condition (condition ?c) (group ?g))
  =>
  (assert (condition-truth (condition ?c) (truth yes))))

(defrule a-condition-fails
  (declare (salience 40))
  (patient)
  (group-truth (group ?g) (truth no))
  (in-condition (condition ?c) (group ?g))
  (not (and (in-condition (condition ?c) (group ?other))
            (not (group-truth (group ?other) (truth no)))))
  =>
  (assert (condition-truth (condition ?c) (truth no))))

;;; ---- staging --------------------------------------------------------------------------------------------------------

(defrule its-turn
  (declare (salience -10))
  (patient)
  (derived (fact ?f))
  (not (and (reads (fact ?f) (other ?other))
            (not (settled (fact ?other)))))
  =>
  (assert (ready (fact ?f))))

(defrule it-is-for-this-patient
  (declare (salience 0))
  (patient)
  (ready (fact ?f))
  (derived (fact ?f) (only ?c))
  (or (test (eq ?c nil))
      (condition-truth (condition ?c) (truth yes)))
  =>
  (assert (stands (fact ?f))))

(defrule a-definition-cannot-be-met
  (declare (salience 0))
  (patient)
  (stands (fact ?f))
  (derived (fact ?f) (otherwise exclude))
  (definition (fact ?f) (value ?v) (condition ?c))
  (condition-truth (condition ?c) (truth no))
  =>
  (assert (shut (fact ?f) (value ?v))))

(defrule another-definition-is-met
  (declare (salience 0))
  (patient)
  (stands (fact ?f))
  (definition (fact ?f) (value ?v) (condition ?c))
  (condition-truth (condition ?c) (truth yes))
  (fact-value (fact ?f) (value ?other&~?v))
  =>
  (assert (shut (fact ?f) (value ?other))))

(defrule a-derived-value-is-left
  (declare (salience -20))
  (patient)
  (ready (fact ?f))
  (not (told (fact ?f)))
  (fact-value (fact ?f) (value ?v))
  (not (shut (fact ?f) (value ?v)))
  =>
  (assert (may (fact ?f) (value ?v))))

(defrule a-given-value-is-used
  (declare (salience -20))
  (patient)
  (ready (fact ?f))
  (told (fact ?f) (value ?v))
  =>
  (assert (may (fact ?f) (value ?v))))

(defrule a-given-value-disagrees
  (declare (salience -20))
  (patient)
  (ready (fact ?f))
  (told (fact ?f) (value ?v))
  (shut (fact ?f) (value ?v))
  =>
  (assert (disagreement (fact ?f))))

(defrule nothing-is-left
  (declare (salience -20))
  (patient)
  (ready (fact ?f))
  (not (and (fact-value (fact ?f) (value ?v))
            (not (shut (fact ?f) (value ?v)))))
  =>
  (assert (broken (fact ?f))))

(defrule it-is-settled
  (declare (salience -30))
  (patient)
  (ready (fact ?f))
  =>
  (assert (settled (fact ?f))))

;;; ---- indications ----------------------------------------------------------------------------------------------------

(defrule a-possible-setting-is-its-own
  (declare (salience -100))
  (patient)
  (settled (fact "setting"))
  (may (fact "setting") (value ?s))
  (in-setting (indication ?i) (setting ?s))
  (indication (id ?i) (option ?o))
  =>
  (assert (spot (indication ?i) (how in)))
  (assert (relevant (option ?o))))

(defrule a-possible-setting-is-another
  (declare (salience -110))
  (patient)
  (spot (indication ?i) (how in))
  (may (fact "setting") (value ?s))
  (not (in-setting (indication ?i) (setting ?s)))
  =>
  (assert (spot (indication ?i) (how out))))

(defrule an-indication-applies
  (declare (salience -120))
  (patient)
  (spot (indication ?i) (how in))
  (not (spot (indication ?i) (how out)))
  (indication (id ?i) (condition ?c))
  (condition-truth (condition ?c) (truth yes))
  =>
  (assert (applies (indication ?i) (truth yes))))

(defrule an-indication-does-not-apply
  (declare (salience -120))
  (patient)
  (relevant (option ?o))
  (indication (id ?i) (option ?o) (condition ?c))
  (or (not (spot (indication ?i) (how in)))
      (condition-truth (condition ?c) (truth no)))
  =>
  (assert (applies (indication ?i) (truth no))))

(defrule an-indication-may-apply
  (declare (salience -121))
  (patient)
  (relevant (option ?o))
  (indication (id ?i) (option ?o))
  (not (applies (indication ?i)))
  =>
  (assert (applies (indication ?i) (truth open))))

;;; ---- from criteria to a verdict -------------------------------------------------------------------------------------
;;; A criterion weighs where it can change something: a reservation on preferred and recommended, the others on all but
;;; not_recommended.

(defrule a-criterion-weighs
  (declare (salience 100))
  (criterion (id ?r) (kind include | exclude) (condition ?c))
  (bears (criterion ?r) (indication ?i))
  (indication (id ?i) (base ~not_recommended))
  =>
  (assert (weighs (indication ?i) (criterion ?r))))

(defrule a-reservation-weighs
  (declare (salience 100))
  (criterion (id ?r) (kind reservation))
  (bears (criterion ?r) (indication ?i))
  (indication (id ?i) (base preferred | recommended))
  =>
  (assert (weighs (indication ?i) (criterion ?r))))

(defrule a-criterion-stands-against-it
  (declare (salience -130))
  (patient)
  (applies (indication ?i) (truth ~no))
  (weighs (indication ?i) (criterion ?r))
  (criterion (id ?r) (kind ?kind) (condition ?c))
  (or (and (test (eq ?kind include)) (condition-truth (condition ?c) (truth no)))
      (and (test (eq ?kind exclude)) (condition-truth (condition ?c) (truth yes))))
  =>
  (assert (finding (indication ?i) (what blocked))))

(defrule a-reservation-applies
  (declare (salience -130))
  (patient)
  (applies (indication ?i) (truth ~no))
  (weighs (indication ?i) (criterion ?r))
  (criterion (id ?r) (kind reservation) (condition ?c))
  (condition-truth (condition ?c) (truth yes))
  =>
  (assert (finding (indication ?i) (what lowered))))

(defrule a-criterion-is-unknown
  (declare (salience -130))
  (patient)
  (applies (indication ?i) (truth ~no))
  (weighs (indication ?i) (criterion ?r))
  (criterion (id ?r) (condition ?c))
  (not (condition-truth (condition ?c)))
  =>
  (assert (finding (indication ?i) (what waits))))

(defrule outlook-ineligible
  (declare (salience -135))
  (patient)
  (finding (indication ?i) (what blocked))
  =>
  (assert (outlook (indication ?i) (verdict ineligible))))

(defrule outlook-alternative
  (declare (salience -135))
  (patient)
  (finding (indication ?i) (what lowered))
  (not (finding (indication ?i) (what blocked)))
  =>
  (assert (outlook (indication ?i) (verdict alternative))))

(defrule outlook-as-indicated
  (declare (salience -135))
  (patient)
  (applies (indication ?i) (truth ~no))
  (not (finding (indication ?i) (what blocked | lowered)))
  (indication (id ?i) (base ?base))
  =>
  (assert (outlook (indication ?i) (verdict ?base))))

(defrule a-verdict-is-final
  (declare (salience -140))
  (patient)
  (applies (indication ?i) (truth yes))
  (or (finding (indication ?i) (what blocked))
      (not (finding (indication ?i) (what waits))))
  (outlook (indication ?i) (verdict ?v))
  (indication (id ?i) (option ?o))
  =>
  (assert (verdict (option ?o) (verdict ?v) (would-be none))))

(defrule a-verdict-may-come
  (declare (salience -145))
  (patient)
  (applies (indication ?i) (truth ~no))
  (indication (id ?i) (option ?o))
  (not (verdict (option ?o)))
  (outlook (indication ?i) (verdict ?v))
  (place (verdict ?v) (order ?n))
  =>
  (assert (hope (option ?o) (verdict ?v) (order ?n))))

(defrule the-best-that-may-come
  (declare (salience -150))
  (patient)
  (hope (option ?o) (verdict ?v) (order ?n))
  (not (hope (option ?o) (order ?m&:(< ?m ?n))))
  =>
  (assert (verdict (option ?o) (verdict undetermined) (would-be ?v))))

(defrule nothing-applies
  (declare (salience -160))
  (patient)
  (option (id ?o))
  (not (verdict (option ?o)))
  =>
  (assert (verdict (option ?o) (verdict not_applicable) (would-be none))))

;;; ---- what is asked for ----------------------------------------------------------------------------------------------

(deffunction told-of (?template $?slots)
  "Print some slots of every fact of a template, one fact at a time."
  (do-for-all-facts ((?found ?template)) TRUE
    (bind ?row (create$))
    (progn$ (?slot ?slots)
      (bind ?row (create$ ?row (fact-slot-value ?found ?slot))))
    (printout answers (implode$ ?row))))
