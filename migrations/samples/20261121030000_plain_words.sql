INSERT INTO task_words (workspace_id, task_id, words)
    SELECT workspace_id, id, words_of(lower(title), kind, class, agent) FROM task;
