namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>A use of public members that leaves nothing behind, however often it is repeated.</summary>
/// <param name="Members">Which: <c>Type.Member</c>, separated by spaces.</param>
/// <param name="Round">One use, in a task of a hub.</param>
internal sealed record Operation(string Members, Action Round)
{
    /// <summary>What comes after the last round, and ends what .NET itself keeps until then: operations of a socket that were
    /// cancelled stay in its queue, some 350 bytes each, until something happens to the socket.</summary>
    public Action? Settle { get; init; }

    public override string ToString() => Members;
}
