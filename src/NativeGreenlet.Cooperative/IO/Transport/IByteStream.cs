namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>What a <see cref="GreenStream"/> reads and writes: a <see cref="Connection"/>, or any stream
/// (<see cref="WrappedStream"/>). Tasks take turns in each direction.</summary>
internal interface IByteStream
{
    /// <summary>How long a read takes at most.</summary>
    TimeSpan ReadTimeout { get; set; }

    /// <summary>How long a whole write takes at most.</summary>
    TimeSpan WriteTimeout { get; set; }

    /// <summary>Whether a synchronous read that was given up left bytes, or is still in flight.</summary>
    bool HasLeftovers { get; }

    /// <summary>Reads; parks until there are bytes.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <returns>How many; 0 at the end.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReadTimeout"/>.</exception>
    int Read(Span<byte> buffer);

    /// <summary>Writes all bytes; parks until they are written.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <exception cref="TimeoutException">It took longer than <see cref="WriteTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier write was given up.</exception>
    void Write(ReadOnlySpan<byte> buffer);

    /// <summary>Flushes what the stream below keeps.</summary>
    /// <exception cref="TimeoutException">It took longer than <see cref="WriteTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier write was given up.</exception>
    void Flush();

    /// <summary>Reads in asynchronous code.</summary>
    /// <param name="stream">The stream below.</param>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="cancellationToken">Gives up the read.</param>
    /// <returns>How many bytes; 0 at the end.</returns>
    ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Hands out, to asynchronous code, what a synchronous read has left.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="cancellationToken">Ends the wait for a read that is still in flight.</param>
    /// <returns>How many; 0 if nothing was left after all.</returns>
    Task<int> ReadLeftoversAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Asynchronous operations of the stream are begun from here on. Their continuations are their callers', and may do
    /// anything, even block.</summary>
    void AllowAsync();

    /// <summary>Others can reach the stream below from here on.</summary>
    void HandOut();

    /// <summary>The stream below is about to be closed.</summary>
    void BeginClose();
}
