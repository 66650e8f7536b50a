"""The networks of the five papers: integers in, logits out; they know no data sets, no devices and no training."""
