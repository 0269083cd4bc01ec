namespace NativeGreenlet.AspNetCore.Tests;

/// <summary>A body.</summary>
public sealed record Note(string Text);
