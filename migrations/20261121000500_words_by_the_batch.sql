-- Most words are in many tasks, and taking them in task by task rewrites their lists each time. Whoever
-- adds words takes them in when the batch is done, so that a search finds next to nothing unsorted.
ALTER INDEX task_words_by_word SET (fastupdate = on);
