// Go's goroutines, handing over through unbuffered channels, or (argument "gosched") by runtime.Gosched.
// compare.py describes the conversation.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Two goroutines hand over to each other.
func switchChannels(count int) {
	there, back, done := make(chan int), make(chan int), make(chan int)
	go func() {
		for i := 0; i < count/2; i++ {
			there <- i
			<-back
		}
		close(done)
	}()
	go func() {
		for i := 0; i < count/2; i++ {
			<-there
			back <- i
		}
	}()
	<-done
}

// The main goroutine and a child hand over to each other.
func resumeChannels(count int) {
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	for i := 0; i < count/2; i++ {
		there <- i
		<-back
	}
	close(there)
}

// Two goroutines yield to whoever else can run, which is the other one.
func switchGosched(count int) {
	var done sync.WaitGroup
	party := func() {
		for i := 0; i < count/2; i++ {
			runtime.Gosched()
		}
		done.Done()
	}
	done.Add(2)
	go party()
	go party()
	done.Wait()
}

// Start a goroutine, wait for its end.
func create(count int) {
	done := make(chan struct{})
	for i := 0; i < count; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
}

// All of them waiting at once; then a value passes through, and each ends when it has passed it on.
func chain(length int) int64 {
	start := time.Now()
	last := make(chan int)
	following := last
	for i := 0; i < length; i++ {
		mine := make(chan int)
		go func(mine, following chan int) { following <- 1 + <-mine }(mine, following)
		following = mine
	}
	runtime.Gosched() // all have begun
	following <- 0
	if <-last != length {
		panic("the chain is broken")
	}
	return time.Since(start).Nanoseconds()
}

// Nanoseconds per operation. Doubles the number of operations until they fill the time; the first ones warm up.
func sample(work func(int), milliseconds int) float64 {
	for count := 16; ; count *= 2 {
		start := time.Now()
		work(count)
		elapsed := time.Since(start)
		if elapsed >= time.Duration(milliseconds)*time.Millisecond/2 {
			return float64(elapsed.Nanoseconds()) / float64(count)
		}
	}
}

func main() {
	works := map[string]func(int){"switch": switchChannels, "resume": resumeChannels, "create": create}
	if len(os.Args) > 1 && os.Args[1] == "gosched" {
		works = map[string]func(int){"switch": switchGosched}
	}
	fmt.Printf("ready Go %s\n", strings.TrimPrefix(runtime.Version(), "go"))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var name string
		var number int
		if _, err := fmt.Sscan(lines.Text(), &name, &number); err != nil {
			panic(err)
		}
		if work := works[name]; work != nil {
			fmt.Printf("%s %f\n", name, sample(work, number))
		} else if name == "chain" && len(works) > 1 {
			chain(1000)
			fmt.Printf("chain %d chain-end 0\n", chain(number))
		} else {
			fmt.Println("! not comparable")
		}
	}
}
