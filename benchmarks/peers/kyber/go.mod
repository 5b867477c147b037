module vemre.example/peers/kyber

go 1.25.0

require go.dedis.ch/kyber/v4 v4.0.1

require (
	go.dedis.ch/fixbuf v1.0.3 // indirect
	golang.org/x/crypto v0.44.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
)
