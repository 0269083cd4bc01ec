namespace NativeGreenlet.Tour;

/// <summary>
/// A generator over a recursive tree without <c>yield return</c>: the walk is a plain recursive method, and yields from
/// any depth. With iterators every level would need an enumerator of its own.
/// </summary>
internal static class TreeWalk
{
    public static void Run()
    {
        Node tree = new(4, new Node(2, new Node(1), new Node(3)), new Node(6, new Node(5), new Node(7)));
        GreenletGenerator<int> inOrder = new(() => Walk(tree));
        Console.WriteLine(string.Join(' ', inOrder));
        Console.WriteLine(string.Join(' ', inOrder.Where(value => value % 2 == 1)));
    }

    private static void Walk(Node? node)
    {
        if (node is not null)
        {
            Walk(node.Left);
            GreenletGenerator<int>.Yield(node.Value);
            Walk(node.Right);
        }
    }

    private sealed record Node(int Value, Node? Left = null, Node? Right = null);
}
