using NativeGreenlet.Tour;

// Each sample prints what docs/samples.md shows. `dotnet run -- NAME` runs one.
(string Name, Action Run)[] samples =
[
    ("tree", TreeWalk.Run),
    ("permutations", Permutations.Run),
    ("parser", PullParser.Run),
    ("console", ConsoleInversion.Run),
];

foreach ((string name, Action run) in samples)
{
    if (args.Length == 0 || args.Contains(name))
    {
        Console.WriteLine($"-- {name}");
        run();
    }
}
