namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>A use of public members that leaves nothing behind, however often it is repeated.</summary>
/// <param name="Members">Which: <c>Type.Member</c>, separated by spaces.</param>
/// <param name="Round">One use, in a task of a hub.</param>
internal sealed record Operation(string Members, Action Round)
{
    public override string ToString() => Members;
}
