-- A search reads what waits to be sorted into the index row by row. Words are broken out beside the
-- hot path, where sorting them in at once costs nobody anything.
ALTER INDEX task_words_by_word SET (fastupdate = off);
SELECT gin_clean_pending_list('task_words_by_word');
