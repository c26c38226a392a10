INSERT INTO task_words (workspace_id, task_id, words)
    SELECT workspace_id, id, words_of(lower(title || ' ' || description), kind, class, agent) FROM task;
UPDATE open_task SET due_at = now() WHERE task_id = '01900000-0000-7000-8000-000000000041';
SELECT tasks_fitting(workspace_id, '(''task'':*)', ''' kind=general''', NULL, '{}', '{}') FROM task LIMIT 1;
