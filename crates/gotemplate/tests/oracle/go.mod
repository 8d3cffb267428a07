module gotemplate/oracle

go 1.27.2
