"""Sessions of Strands Agents in any store."""
