module quire/test/quiretest

go 1.26.0
