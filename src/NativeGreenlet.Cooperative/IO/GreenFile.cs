using System.Text;
using NativeGreenlet.Cooperative.Tasks;

namespace NativeGreenlet.Cooperative;

/// <summary>Files, opened, read and written by threads of the pool while the task is parked.</summary>
/// <remarks>A thread that opens what nobody answers for, a pipe without a writer, for example, cannot be called back: a task that
/// is killed meanwhile ends at once, the thread stays until it is answered, and closes the file then.</remarks>
/// <example><code>
/// string text = GreenFile.ReadAllText("/etc/hostname");
/// using GreenStream log = GreenFile.Open("log.txt", FileMode.Append, FileAccess.Write);
/// </code></example>
public static class GreenFile
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Opens a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="mode">How to open it.</param>
    /// <param name="access">What for.</param>
    /// <param name="share">What others may do meanwhile.</param>
    /// <returns>A stream of the file.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit it.</exception>
    public static GreenStream Open(string path, FileMode mode = FileMode.Open, FileAccess access = FileAccess.Read, FileShare share = FileShare.Read) =>
        new(OpenFile(path, mode, access, share, bufferSize: 0));

    /// <inheritdoc cref="Open(string, FileMode, FileAccess, FileShare)" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. What is opened all the same is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenStream Open(string path, CancellationToken cancellationToken) =>
        Open(path, FileMode.Open, FileAccess.Read, FileShare.Read, cancellationToken);

    /// <inheritdoc cref="Open(string, FileMode, FileAccess, FileShare)" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="mode">How to open it.</param>
    /// <param name="access">What for.</param>
    /// <param name="share">What others may do meanwhile.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. What is opened all the same is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenStream Open(string path, FileMode mode, FileAccess access, FileShare share, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Open(path, mode, access, share);
    }

    /// <summary>Reads all text of a file, UTF-8 unless the file says otherwise.</summary>
    /// <param name="path">Where it is.</param>
    /// <returns>The text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="IOException">It cannot be opened, or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit it.</exception>
    public static string ReadAllText(string path)
    {
        FileStream file = OpenFile(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        return Use(file, async token =>
        {
            using StreamReader reader = new(file, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, BufferSize, leaveOpen: true);
            return await reader.ReadToEndAsync(token).ConfigureAwait(false);
        });
    }

    /// <inheritdoc cref="ReadAllText(string)" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="cancellationToken">Ends it when it is cancelled; the file is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static string ReadAllText(string path, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return ReadAllText(path);
    }

    /// <summary>Reads all bytes of a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <returns>The bytes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="IOException">It cannot be opened, or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit it.</exception>
    public static byte[] ReadAllBytes(string path)
    {
        FileStream file = OpenFile(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        return Use(file, async token =>
        {
            using MemoryStream bytes = new();
            await file.CopyToAsync(bytes, token).ConfigureAwait(false);
            return bytes.ToArray();
        });
    }

    /// <inheritdoc cref="ReadAllBytes(string)" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="cancellationToken">Ends it when it is cancelled; the file is closed.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static byte[] ReadAllBytes(string path, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return ReadAllBytes(path);
    }

    /// <summary>Writes text to a file, as UTF-8 without a byte order mark; the file is replaced.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentNullException"><paramref name="path"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="IOException">It cannot be opened, or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit it.</exception>
    public static void WriteAllText(string path, string text)
    {
        FileStream file = OpenFile(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1);
        Use(file, async token =>
        {
            await using StreamWriter writer = new(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferSize, leaveOpen: true);
            await writer.WriteAsync(text.AsMemory(), token).ConfigureAwait(false);
            await writer.FlushAsync(token).ConfigureAwait(false);
            return 0;
        });
    }

    /// <inheritdoc cref="WriteAllText(string, string)" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Ends it when it is cancelled; the file is closed, with what was written until then.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void WriteAllText(string path, string text, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        WriteAllText(path, text);
    }

    /// <summary>Writes bytes to a file, which is replaced.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="IOException">It cannot be opened, or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit it.</exception>
    public static void WriteAllBytes(string path, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        FileStream file = OpenFile(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1);
        Use(file, async token =>
        {
            await file.WriteAsync(bytes, token).ConfigureAwait(false);
            return 0;
        });
    }

    /// <inheritdoc cref="WriteAllBytes(string, byte[])" path="/*[not(self::param)]"/>
    /// <param name="path">Where it is.</param>
    /// <param name="bytes">The bytes.</param>
    /// <param name="cancellationToken">Ends it when it is cancelled; the file is closed, with what was written until then.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void WriteAllBytes(string path, byte[] bytes, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        WriteAllBytes(path, bytes);
    }

    // Not waited for when it is given up: nobody knows how long.
    private static FileStream OpenFile(string path, FileMode mode, FileAccess access, FileShare share, int bufferSize)
    {
        ArgumentNullException.ThrowIfNull(path);
        _ = Hub.TryAwait(
            _ => Task.Run(() => new FileStream(path, mode, access, share, bufferSize, FileOptions.Asynchronous)),
            Timeout.InfiniteTimeSpan,
            static late => late.Dispose(),
            TimeSpan.Zero,
            out FileStream? file);
        return file!;
    }

    // It is closed by who uses it, at the end: a task that was killed before might be gone.
    private static T Use<T>(FileStream file, Func<CancellationToken, Task<T>> use) => Hub.Await(token => Task.Run(
        async () =>
        {
            await using (file.ConfigureAwait(false))
            {
                return await use(token).ConfigureAwait(false);
            }
        },
        CancellationToken.None));
}
