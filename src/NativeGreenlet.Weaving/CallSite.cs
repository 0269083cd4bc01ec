namespace NativeGreenlet.Weaving;

/// <summary>A blocking call that the weaver saw, or a use of a <c>[ThreadStatic]</c> field.</summary>
/// <param name="Called">What is called or used.</param>
/// <param name="Caller">The method that calls it.</param>
/// <param name="Place">The line of its source, if that is known; else the offset in the method.</param>
/// <param name="Reason">Why it was not rewritten; null if it was.</param>
internal sealed record CallSite(string Called, string Caller, string Place, string? Reason);
