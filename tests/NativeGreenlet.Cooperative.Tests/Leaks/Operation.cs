namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>A use of public members that leaves nothing behind, however often it is repeated.</summary>
/// <param name="Members">Which: <c>Type.Member</c>, separated by spaces.</param>
/// <param name="Round">One use, in a task of a hub.</param>
/// <param name="Original">The same with what .NET has in its place, if .NET itself leaves something behind.</param>
internal sealed record Operation(string Members, Action Round, Action? Original = null)
{
    public override string ToString() => Members;
}
