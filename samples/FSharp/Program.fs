module NativeGreenlet.Samples.FSharp.Program

open System
open System.Threading.Tasks
open NativeGreenlet
open NativeGreenlet.Cooperative

type Tree =
    | Leaf
    | Node of Tree * string * Tree

// A plain recursive function yields: there is no seq { } and no yield! at each level.
let rec walk tree =
    match tree with
    | Leaf -> ()
    | Node(left, name, right) ->
        walk left
        GreenletGenerator<string>.Yield name
        walk right

let names tree = GreenletGenerator<string>(fun () -> walk tree)

// Two functions that hand a number to each other. A value is an obj that may be null, which F# writes as objnull.
let countdown () =
    let main = Greenlet.Current
    let other = new Greenlet(fun (value: objnull) ->
        let mutable number = unbox<int> value
        while number > 0 do
            number <- unbox<int> (main.Switch(box (number - 1)))
        box number)

    let mutable number = 5
    while number > 0 do
        number <- unbox<int> (other.Switch(box number))
        printfn "%d" number

// Blocking style on one thread. A computation expression needs nothing new: task { } is awaited by Hub.Await.
let cooperative () =
    Hub.Run(fun () ->
        let slow = Hub.Spawn(fun () ->
            Hub.Sleep(TimeSpan.FromMilliseconds 50.0)
            "slow")
        let quick = Hub.Spawn(fun () -> "quick")
        let asynchronous = task {
            do! Task.Delay 10
            return "from a task expression"
        }

        printfn "%s" quick.Result
        printfn "%s" (Hub.Await asynchronous)
        printfn "%s" (Hub.Await(Async.StartAsTask(async { return "from an async expression" })))
        printfn "%s" slow.Result)

[<EntryPoint>]
let main _ =
    Node(Node(Leaf, "ant", Leaf), "bee", Node(Leaf, "cow", Leaf)) |> names |> String.concat ", " |> printfn "%s"
    countdown ()
    cooperative ()
    0
