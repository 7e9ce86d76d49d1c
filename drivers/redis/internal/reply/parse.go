package reply

// Parse returns the numbers and the table of a script's reply: a number, or a table,
// which may be of numbers. Of a table it returns the numbers that stand in it, in their
// order. What is neither has none.
func Parse(answer any) (numbers []int64, table []any) {
	switch v := answer.(type) {
	case int64:
		return []int64{v}, nil
	case []any:
		for _, one := range v {
			if n, ok := one.(int64); ok {
				numbers = append(numbers, n)
			}
		}
		return numbers, v
	}
	return nil, nil
}
