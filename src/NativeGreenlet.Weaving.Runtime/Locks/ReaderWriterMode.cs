namespace NativeGreenlet.Weaving.Locks;

/// <summary>How a <see cref="ReaderWriterLockSlim"/> is entered.</summary>
internal enum ReaderWriterMode
{
    Read,
    Upgradeable,
    Write,
}
