UPDATE task SET description = 'Found by its description' WHERE id = '01900000-0000-7000-8000-000000000041';
