namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>An object that nothing but a local variable of one greenlet refers to.</summary>
internal sealed class Treasure(string place)
{
    public string Place { get; } = place;
}
