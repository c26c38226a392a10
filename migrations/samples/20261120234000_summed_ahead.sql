INSERT INTO usage_report (workspace_id, at, task_id, lease_id, agent_id, kind, input_tokens, output_tokens, cost_microusd)
    SELECT workspace_id, now() - interval '1 day', task_id, lease_id, agent_id, kind, 9, 1, 7 FROM usage_report LIMIT 1;
SELECT sum_usage(now()), sum_ends(now() + interval '1 minute');
DELETE FROM task_end WHERE task_id = '01900000-0000-7000-8000-000000000046';
