namespace NativeGreenlet.Engines;

/// <summary>What is measured: a style of code with a kind of wait.</summary>
/// <param name="Style">The style; with <c>async</c> others are compared.</param>
/// <param name="Wait">The wait.</param>
/// <param name="Name">What the table calls it.</param>
public sealed record Row(string Style, string Wait, string Name);
