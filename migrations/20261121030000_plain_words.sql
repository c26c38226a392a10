-- Texts reach words_of as letters and digits apart by spaces, without what cannot be seen: a tag, an address
-- or a negative number is no word of its own any more. The words are made anew behind the start.
TRUNCATE task_words, task_words_mark;
