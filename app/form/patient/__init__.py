"""The fields of the patient page, and the answer in short beside them."""
