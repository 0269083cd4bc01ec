namespace NativeGreenlet.Common;

/// <summary>A small object that a frame holds and later recognizes.</summary>
internal sealed class Cell(long stamp, Cell? next = null)
{
    /// <summary>Public fields, so that frames can hold references to them.</summary>
    public long Stamp = stamp;

    public int Complement = ~(int)stamp;

    public Cell? Next { get; } = next;

    /// <summary>Of varying size, so that a compaction moves the cells by varying distances.</summary>
    public byte[] Padding { get; } = new byte[(int)(stamp & 127)];

    public bool Is(long stamp) => Stamp == stamp && Complement == ~(int)stamp && Padding.Length == (int)(stamp & 127);
}
