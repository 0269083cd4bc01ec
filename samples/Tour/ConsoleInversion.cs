namespace NativeGreenlet.Tour;

/// <summary>
/// The example of greenlet's documentation: an event loop that must not block, and code that wants to read the next key
/// as if it could. <c>ReadNextKey</c> switches to the loop; the loop's key handler switches back with the key.
/// </summary>
internal static class ConsoleInversion
{
    private static Greenlet? s_reader;

    public static void Run()
    {
        s_reader = new Greenlet(ProcessCommands) { Name = "commands" };
        s_reader.Switch();

        // The event loop: here the events are a script; in a program they would come from a window.
        foreach (char key in "hello\nquit\nignored\n")
        {
            OnKeyDown(key);
        }

        Console.WriteLine(s_reader.IsDead ? "the reader has ended; the loop goes on" : "the reader waits");
    }

    private static void OnKeyDown(char key)
    {
        if (s_reader is { IsDead: false })
        {
            s_reader.Switch(key);
        }
    }

    private static char ReadNextKey() => (char)Greenlet.Current.Parent!.Switch()!;

    // Written as if keys were simply there to be read.
    private static void ProcessCommands()
    {
        while (true)
        {
            string line = string.Empty;
            for (char key = ReadNextKey(); key != '\n'; key = ReadNextKey())
            {
                line += key;
            }

            if (line == "quit")
            {
                Console.WriteLine("are you sure? (assuming yes)");
                return;
            }

            Console.WriteLine($"command: {line}");
        }
    }
}
