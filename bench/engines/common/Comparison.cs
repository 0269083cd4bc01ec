namespace NativeGreenlet.Engines;

/// <summary>An engine, and what is compared on it.</summary>
/// <param name="Section">The part of the page of results, and the word after <c>bench engines</c>.</param>
/// <param name="Title">The engine with its version.</param>
/// <param name="Unit">What there are many of: actors, grains.</param>
/// <param name="InFlight">How many calls are under way at the same time unless it is said.</param>
/// <param name="Rows">What is measured.</param>
/// <param name="Waits">What each kind of wait is, in words.</param>
public sealed record Comparison(string Section, string Title, string Unit, int InFlight, IReadOnlyList<Row> Rows, IReadOnlyDictionary<string, string> Waits);
