namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>A subject of the standard.</summary>
/// <param name="Section">The section of RFC 9113, or of the RFC that is named.</param>
/// <param name="Title">What the client does.</param>
/// <param name="Steps">How, after the beginning.</param>
/// <param name="Answer">What the server may do.</param>
internal sealed record ConformanceCase(string Section, string Title, Step[] Steps, Answer Answer)
{
    /// <summary>Whether it begins with a whole connection preface.</summary>
    public bool Greets { get; init; } = true;

    /// <summary>Whether a request is answered afterwards, if the connection was not to end.</summary>
    public bool StillServes { get; init; } = true;

    /// <summary>What Kestrel does against the standard, on any transport; null if it does what it may.</summary>
    public string? Deviation { get; init; }

    /// <summary>Since which version of .NET Kestrel does what it may.</summary>
    public Version MendedIn { get; init; } = new(int.MaxValue, 0);

    /// <summary>Whether Kestrel deviates in this process.</summary>
    public bool IsDeviating => Deviation is not null && Environment.Version < MendedIn;

    public string Name => $"{Section} {Title}";
}
