"""The engine: patient facts through the rule base on durable-rules, watched by an independent interpreter."""
