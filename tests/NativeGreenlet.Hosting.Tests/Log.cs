using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.Hosting.Tests;

/// <summary>What a host has logged.</summary>
internal sealed class Log : ILoggerProvider
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>Waits until a line has all of some words, and returns it.</summary>
    public async Task<string> WaitForAsync(params string[] words)
    {
        DateTime end = DateTime.UtcNow + Patience;
        while (true)
        {
            if (_lines.FirstOrDefault(line => Array.TrueForAll(words, word => line.Contains(word, StringComparison.Ordinal))) is { } found)
            {
                return found;
            }

            Assert.True(DateTime.UtcNow < end, $"Nothing like '{string.Join("', '", words)}' was logged:\n{string.Join('\n', _lines)}");
            await Task.Delay(10);
        }
    }

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Writer(Log log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log._lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} {exception}");
    }
}
