"""Decision support for treatment lines in hepatocellular carcinoma: readable rules, cited reasons, for health professionals."""
