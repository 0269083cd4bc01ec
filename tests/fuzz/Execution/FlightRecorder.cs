using System.IO.MemoryMappedFiles;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Where a child process is, in a file that outlives its crash: for each thread the seed of its trace, and how many
/// it began.</summary>
internal sealed class FlightRecorder : IDisposable
{
    private const int SlotSize = 64;
    private const int Slots = 64;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    /// <param name="path">A file; it is made if it is not there.</param>
    public FlightRecorder(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Slots * SlotSize);
        _view = _file.CreateViewAccessor();
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>Notes that a thread begins a trace.</summary>
    public void Begin(int carrier, ulong seed)
    {
        int slot = carrier * SlotSize;
        _view.Write(slot + sizeof(ulong), seed);
        _view.Write(slot + 2 * sizeof(ulong), 1L);
        _view.Write(slot, _view.ReadInt64(slot) + 1);
    }

    /// <summary>Notes that a thread has ended its trace.</summary>
    public void End(int carrier) => _view.Write(carrier * SlotSize + 2 * sizeof(ulong), 0L);

    /// <summary>How many traces a thread began.</summary>
    public long Count(int carrier) => _view.ReadInt64(carrier * SlotSize);

    /// <summary>The seeds of the traces that had begun and not ended.</summary>
    public IReadOnlyList<ulong> Running() =>
    [
        .. Enumerable.Range(0, Slots)
            .Where(carrier => _view.ReadInt64(carrier * SlotSize + 2 * sizeof(ulong)) != 0)
            .Select(carrier => _view.ReadUInt64(carrier * SlotSize + sizeof(ulong)))
            .Distinct(),
    ];

    /// <summary>A number that is another one whenever a trace has begun.</summary>
    public long Progress() => Enumerable.Range(0, Slots).Sum(Count);
}
