namespace NativeGreenlet.SiteCheck;

/// <summary>How the pages are looked at.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Scheme">light or dark.</param>
/// <param name="Width">Of the window, in pixels.</param>
/// <param name="Height">Of the window, in pixels.</param>
internal sealed record View(string Name, string Scheme, int Width, int Height)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<View> All { get; } = [new("light", "light", 1280, 900), new("dark", "dark", 1280, 900), new("narrow", "light", 360, 740)];
}
