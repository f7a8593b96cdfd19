module opalite/extension

go 1.26
