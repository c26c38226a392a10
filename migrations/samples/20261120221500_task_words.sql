INSERT INTO task_words (workspace_id, task_id, words)
    SELECT workspace_id, id, words_of(title, description) FROM task;
INSERT INTO task_words_mark (workspace_id, up_to) VALUES
    ('01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000045');
UPDATE task SET title = 'Task zero' WHERE id = '01900000-0000-7000-8000-000000000040';
