UPDATE task SET description = 'Found among a batch' WHERE id = '01900000-0000-7000-8000-000000000041';
