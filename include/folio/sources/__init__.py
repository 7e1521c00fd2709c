"""Where data comes in: providers' connectors, the shared HTTP policy, landing and a sandbox."""
