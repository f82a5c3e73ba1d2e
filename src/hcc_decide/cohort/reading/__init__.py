"""Reading tables of patients, one module per format. `hcc_decide.cohort.read.open_table` chooses among them."""
