namespace NativeGreenlet.Cooperative;

/// <summary>Files, read and written by threads of the pool while the task is parked.</summary>
public static class GreenFile
{
    /// <summary>Opens a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="mode">How to open it.</param>
    /// <param name="access">What for.</param>
    /// <param name="share">What others may do meanwhile.</param>
    public static GreenStream Open(string path, FileMode mode = FileMode.Open, FileAccess access = FileAccess.Read, FileShare share = FileShare.Read) =>
        new(Hub.Offload(() => new FileStream(path, mode, access, share, 0, FileOptions.Asynchronous)));

    /// <summary>All text of a file.</summary>
    /// <param name="path">Where it is.</param>
    public static string ReadAllText(string path) => Hub.Await(File.ReadAllTextAsync(path));

    /// <summary>All bytes of a file.</summary>
    /// <param name="path">Where it is.</param>
    public static byte[] ReadAllBytes(string path) => Hub.Await(File.ReadAllBytesAsync(path));

    /// <summary>Writes text to a file, which is replaced.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="text">The text.</param>
    public static void WriteAllText(string path, string text) => Hub.Await(File.WriteAllTextAsync(path, text));

    /// <summary>Writes bytes to a file, which is replaced.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="bytes">The bytes.</param>
    public static void WriteAllBytes(string path, byte[] bytes) => Hub.Await(File.WriteAllBytesAsync(path, bytes));
}
