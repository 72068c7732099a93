"""`newsquake doctor`: what is wrong, from the configuration to the broker's clock, and the mend."""
