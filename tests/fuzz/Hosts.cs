namespace NativeGreenlet.Fuzz;

/// <summary>What traces run on.</summary>
[Flags]
internal enum Hosts
{
    None = 0,
    Greenlets = 1,
    Control = 2,
    Both = Greenlets | Control,
}
