package file
const partVar = "FILE_TEST_PART"
func play(string) int { return 2 }
