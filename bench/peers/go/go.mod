module nativegreenlet/bench/peers/go

go 1.19
