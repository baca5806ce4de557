"""The tour: made pages on a loopback site that tell the story of the 2017 report, run through the real pipeline."""
