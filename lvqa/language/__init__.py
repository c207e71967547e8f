"""Words of a question and of a note, by rule: times, ordinals, names of files, stems. Knows no note and no model."""
