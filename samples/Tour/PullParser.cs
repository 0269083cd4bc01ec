namespace NativeGreenlet.Tour;

/// <summary>
/// A push parser, which calls back for every element, turned into a pull parser, which is asked for the next: the
/// callbacks switch to the consumer in the middle of the parse.
/// </summary>
internal static class PullParser
{
    public static void Run()
    {
        using Coroutine<bool, string?> next = new((self, _) =>
        {
            PushParser.Parse("a=1;b=two;c=", (key, value) => self.Yield($"{key} is {value}"));
            return null;
        });

        while (next.Resume(true) is { } element)
        {
            Console.WriteLine(element);
        }
    }

    // Stands for any library that wants a callback.
    private static class PushParser
    {
        public static void Parse(string text, Action<string, string> found)
        {
            foreach (string pair in text.Split(';'))
            {
                string[] parts = pair.Split('=');
                found(parts[0], parts[1].Length == 0 ? "nothing" : parts[1]);
            }
        }
    }
}
