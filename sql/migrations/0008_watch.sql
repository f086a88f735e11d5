-- Findings and who is told of them.
select;
