using System.Collections;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>Items that a task waits for, one after the other. One task at a time may ask an enumerator: an iterator that is asked while it
/// waits for an item would tell the other that there are no more, and would be disposed of by it.</summary>
/// <param name="items">The items, by an iterator.</param>
internal sealed class TaskSequence<T>(IEnumerable<T> items) : IEnumerable<T>
{
    public IEnumerator<T> GetEnumerator() => new Enumerator(items.GetEnumerator());

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class Enumerator(IEnumerator<T> items) : IEnumerator<T>
    {
        private int _isAsked; // from any hub

        public T Current => items.Current;

        object? IEnumerator.Current => items.Current;

        public bool MoveNext()
        {
            Enter();
            try
            {
                return items.MoveNext();
            }
            finally
            {
                Volatile.Write(ref _isAsked, 0);
            }
        }

        public void Reset() => throw new NotSupportedException("Items that were waited for do not come again. Enumerate anew.");

        public void Dispose()
        {
            Enter();
            try
            {
                items.Dispose();
            }
            finally
            {
                Volatile.Write(ref _isAsked, 0);
            }
        }

        private void Enter()
        {
            if (Interlocked.Exchange(ref _isAsked, 1) != 0)
            {
                throw new InvalidOperationException("Another task waits for an item of this enumerator already. Enumerate in each task, or let the tasks take turns by a GreenLock.");
            }
        }
    }
}
