"""Reports: a finished result as rows, sentences and pages. Computes nothing."""
